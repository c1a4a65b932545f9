namespace Upload.Api.Uploads.Tus;

/// <summary>How a PATCH's body ended.</summary>
internal enum BodyEnd
{
    None,

    Whole,

    /// <summary>The connection broke, or nothing came for too long.</summary>
    ClientGone,

    /// <summary>Another request wants the upload, or this server stops.</summary>
    Stopped,
}

/// <summary>A PATCH's body. However it ends, what came before counts: no read throws.</summary>
internal sealed class ArrivingBody(Stream inner, CancellationToken stop) : PassingStream(inner)
{
    public BodyEnd End { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (End != BodyEnd.None)
        {
            return 0;
        }

        try
        {
            var read = await base.ReadAsync(buffer, stop);
            End = read == 0 ? BodyEnd.Whole : BodyEnd.None;
            return read;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            End = stop.IsCancellationRequested ? BodyEnd.Stopped : BodyEnd.ClientGone;
            return 0;
        }
    }

    protected override ValueTask OnReadAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct) => ValueTask.CompletedTask;
}
