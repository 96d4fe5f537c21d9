// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Teravox.Web.Tests;

/// <summary>Hears all that a page, and what it opens, says and asks for. Errors, violations of the policy and requests to other hosts are faults.</summary>
internal sealed class Witness
{
    private readonly ConcurrentQueue<string> _faults = new();
    private readonly ConcurrentQueue<string> _said = new();

    public Witness(IBrowserContext context, Uri silo, Func<string, bool> expected)
    {
        context.Console += (_, message) =>
        {
            var text = $"{message.Type}: {message.Text} ({message.Location})";
            _said.Enqueue(text);
            if (message.Type == "error" && !expected(text))
                _faults.Enqueue(text);
        };
        context.WebError += (_, error) =>
        {
            _said.Enqueue(error.Error);
            _faults.Enqueue("page error: " + error.Error);
        };
        context.Request += (_, request) =>
        {
            var url = new Uri(request.Url);
            if (url.Scheme is not ("blob" or "data") && url.Authority != silo.Authority)
                _faults.Enqueue($"asked another host: {request.Method} {request.Url}");
        };
    }

    public IReadOnlyCollection<string> Faults => _faults;

    public string Said => string.Join('\n', _said);
}
