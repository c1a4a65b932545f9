namespace Processing.Worker.Live;

/// <summary>When the encoder last finished something.</summary>
internal sealed class EncoderProgress(TimeProvider time)
{
    private long _last = time.GetTimestamp();

    public TimeSpan SinceLast => time.GetElapsedTime(Volatile.Read(ref _last));

    public void Made() => Volatile.Write(ref _last, time.GetTimestamp());
}
