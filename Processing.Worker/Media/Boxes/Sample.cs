namespace Processing.Worker.Media.Boxes;

/// <summary>One coded frame.</summary>
/// <param name="Presentation">When it is shown, in the track's timescale.</param>
/// <param name="Duration">As the muxer wrote it; the distance to the next in decode order.</param>
/// <param name="IsSync">Decoding can start here.</param>
/// <param name="Data">The coded bytes.</param>
internal readonly record struct Sample(long Presentation, long Duration, bool IsSync, ReadOnlyMemory<byte> Data);
