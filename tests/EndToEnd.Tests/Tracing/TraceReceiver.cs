using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EndToEnd.Tests.Tracing;

/// <param name="Service">The resource's <c>service.name</c>.</param>
/// <param name="Trace">32 hex digits.</param>
/// <param name="Id">16 hex digits.</param>
/// <param name="Parent">The id of the span that caused it; empty for the first of a trace.</param>
public sealed record Span(string Service, string Trace, string Id, string Parent, string Name);

/// <summary>Takes traces as a collector does: OTLP over HTTP, protobuf (opentelemetry-proto, trace.proto and resource.proto).</summary>
public sealed class TraceReceiver : IAsyncDisposable
{
    private readonly ConcurrentQueue<Span> _spans = new();
    private readonly WebApplication _application;

    public TraceReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _application = builder.Build();
        _application.MapPost("/v1/traces", TakeAsync);
        _application.MapPost("/v1/{signal}", () => Results.Ok());
    }

    public string Endpoint => _application.Urls.Single();

    public IEnumerable<Span> Spans => _spans;

    public Task StartAsync(CancellationToken ct) => _application.StartAsync(ct);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpRequest request)
    {
        var body = await ByteString.FromStreamAsync(request.Body, request.HttpContext.RequestAborted);
        foreach (var resourceSpans in Fields(body, 1))
        {
            var service = Fields(resourceSpans, 1).SelectMany(resource => Fields(resource, 1)).Where(attribute => Text(attribute, 1) == "service.name")
                .Select(attribute => Text(Fields(attribute, 2).Single(), 1)).FirstOrDefault("");
            foreach (var span in Fields(resourceSpans, 2).SelectMany(scope => Fields(scope, 2)))
            {
                _spans.Enqueue(new(service, Hex(span, 1), Hex(span, 2), Hex(span, 4), Text(span, 5)));
            }
        }

        return Results.Ok();
    }

    /// <summary>The length-delimited fields of a message that have this number.</summary>
    private static IEnumerable<ByteString> Fields(ByteString message, int number)
    {
        var input = message.CreateCodedInput();
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagWireType(tag) != WireFormat.WireType.LengthDelimited)
            {
                input.SkipLastField();
            }
            else if (input.ReadBytes() is var value && WireFormat.GetTagFieldNumber(tag) == number)
            {
                yield return value;
            }
        }
    }

    private static string Text(ByteString message, int number) => Fields(message, number).Select(value => value.ToStringUtf8()).FirstOrDefault("");

    private static string Hex(ByteString message, int number) => Fields(message, number).Select(value => Convert.ToHexStringLower(value.Span)).FirstOrDefault("");
}
