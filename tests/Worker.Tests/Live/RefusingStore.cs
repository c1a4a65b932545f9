using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Worker.Tests.Live;

/// <summary>The way to an S3 server that refuses (403) to store what is named so once, when it is told to. Everything else passes as it came, signed for this address.</summary>
internal sealed class RefusingStore : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly string _name;
    private int _refuses;

    private RefusingStore(Uri target, string name)
    {
        _name = name;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(context => HandleAsync(context, target));
    }

    public int Port => new Uri(_app.Urls.Single()).Port;

    /// <summary>Objects that were refused.</summary>
    public int Refused { get; private set; }

    /// <param name="name">Part of the keys that are refused.</param>
    public static async Task<RefusingStore> BeforeAsync(Uri target, string name)
    {
        RefusingStore store = new(target, name);
        await store._app.StartAsync();
        return store;
    }

    public void RefuseNext() => Volatile.Write(ref _refuses, 1);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private async Task HandleAsync(HttpContext context, Uri target)
    {
        var request = context.Request;
        if (HttpMethods.IsPut(request.Method) && request.Path.Value!.Contains(_name, StringComparison.Ordinal) && Interlocked.Exchange(ref _refuses, 0) == 1)
        {
            Refused++;
            context.Response.StatusCode = (int)HttpStatusCode.Forbidden;
            await context.Response.WriteAsync("<Error><Code>AccessDenied</Code><Message>Not now.</Message></Error>");
            return;
        }

        using HttpRequestMessage passed = new(new(request.Method), new Uri(target, $"{request.Path.ToUriComponent()}{request.QueryString}"));
        passed.Content = request.ContentLength > 0 ? new StreamContent(request.Body) : new ByteArrayContent([]);
        foreach (var (header, values) in request.Headers)
        {
            if (!passed.Headers.TryAddWithoutValidation(header, values.ToArray()))
            {
                passed.Content.Headers.TryAddWithoutValidation(header, values.ToArray());
            }
        }

        using var answer = await _http.SendAsync(passed, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (header, values) in answer.Headers.Concat(answer.Content.Headers).Where(each => each.Key != "Transfer-Encoding"))
        {
            context.Response.Headers[header] = values.ToArray();
        }

        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
