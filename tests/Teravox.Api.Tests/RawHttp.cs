// SPDX-License-Identifier: Apache-2.0
using System.Net.Sockets;
using System.Text;

namespace Teravox.Api.Tests;

/// <summary>Requests byte by byte as given: HttpClient would tidy up paths, hosts and lengths before they are sent.</summary>
internal static class RawHttp
{
    /// <summary>Sends the text (line ends as \n) and reads the answer to the end of the connection.</summary>
    public static async Task<(int Status, string Answer)> SendAsync(Uri server, string request)
    {
        var ct = TestContext.Current.CancellationToken;
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port, ct);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request.ReplaceLineEndings("\r\n")), ct);
        return await AnswerAsync(stream);
    }

    public static Task<(int Status, string Answer)> GetAsync(Uri server, string target, string? host = null, string method = "GET", string headers = "") =>
        SendAsync(server, $"{method} {target} HTTP/1.1\nHost: {host ?? server.Authority}\nConnection: close\n{headers}\n");

    public static async Task<(int Status, string Answer)> AnswerAsync(NetworkStream stream)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer, patience.Token);
        }
        catch (IOException)
        {
            // The server may close before it has read all; what it said before counts.
        }

        var text = Encoding.Latin1.GetString(answer.ToArray());
        return (text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(text.AsSpan(9, 3)) : 0, text);
    }
}
