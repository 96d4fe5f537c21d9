// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Teravox.Contracts.Api;

namespace Teravox.Api.Tests;

/// <summary>Clients that hold a connection without using it.</summary>
public sealed class SlowClientTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_WhenItComesTooSlowly_IsGivenUp()
    {
        await using var server = await Server.StartAsync();
        await Task.WhenAll(BodyAsync(server), HeadAsync(server));
    }

    private static async Task BodyAsync(Server server)
    {
        var manifest = new NewUpload { Name = "slow", Files = [new UploadFile("raw/0.png", 100_000)] };
        var upload = await server.Http.PostJsonAsync("/api/v1/uploads", manifest).MustAsync<UploadInfo>(HttpStatusCode.Created);
        using var client = new TcpClient();
        await client.ConnectAsync(server.Url.Host, server.Url.Port, Ct);
        await using var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"PUT /api/v1/uploads/{upload.Id}/files/raw/0.png?offset=0 HTTP/1.1\r\nHost: {server.Url.Authority}\r\nContent-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n"),
            Ct);
        var answer = RawHttp.AnswerAsync(stream);
        var began = Stopwatch.GetTimestamp();
        try
        {
            while (!answer.IsCompleted && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(25))
            {
                await stream.WriteAsync(new byte[1], Ct);
                await Task.WhenAny(answer, Task.Delay(200, Ct));
            }
        }
        catch (IOException)
        {
            // The server closed the connection.
        }

        var (status, text) = await answer;
        Assert.True(status is 408 or 0, text);
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(25), "a byte now and then kept the connection open for 25 s");
        Assert.Equal(0, (await server.Http.ReadAsync($"/api/v1/uploads/{upload.Id}").MustAsync<UploadInfo>()).Files[0].Received);
    }

    private static async Task HeadAsync(Server server)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Url.Host, server.Url.Port, Ct);
        await using var stream = client.GetStream();
        await stream.WriteAsync("GET /api/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"u8.ToArray(), Ct);
        var (status, text) = await RawHttp.AnswerAsync(stream);
        Assert.True(status is 408 or 0, text);
    }
}
