namespace Lifecycle.Contracts.Media;

/// <summary>Where an object lies in an edge copy: in chunks of consecutive numbers.</summary>
/// <param name="First">The sequence number of its first chunk.</param>
public sealed record EdgePlace(StoredObject Object, int First)
{
    /// <summary>Chunks that it takes.</summary>
    public int Count => (int)((Object.Bytes + EdgeLayout.PieceBytes - 1) / EdgeLayout.PieceBytes);

    /// <summary>The bytes of the object that one of its chunks holds.</summary>
    /// <param name="piece">From 0.</param>
    public (long Start, int Length) PieceOf(int piece)
    {
        var start = (long)piece * EdgeLayout.PieceBytes;
        return (start, (int)Math.Min(EdgeLayout.PieceBytes, Object.Bytes - start));
    }
}

/// <summary>
/// Which chunk of an edge copy holds what. It follows from the catalogue alone, so writer and reader need no table between them: the segments
/// and initialization segments in the catalogue's order, each cut into pieces. No chunk holds parts of two objects: what is read is what is wanted.
/// </summary>
public static class EdgeLayout
{
    /// <summary>A chunk of seed 002.</summary>
    public const int PieceBytes = 2 << 20;

    /// <summary>A manifest of so many coded chunks is near the 32 MiB that readers take: some three hours of five tracks.</summary>
    public const int MostPieces = 12_000;

    /// <summary>An object is held in memory while it is placed; the ladder's highest rung stays far below.</summary>
    public const long MostObjectBytes = 128L << 20;

    /// <summary>Poster and storyboard stay in S3: they are small, and no stream waits for them.</summary>
    public static IReadOnlyList<EdgePlace> Of(Catalogue catalogue)
    {
        List<EdgePlace> places = [];
        var next = 0;
        foreach (var stored in catalogue.Tracks.SelectMany(track => track.Segments.Select(segment => segment.Object).Prepend(track.Init)))
        {
            places.Add(new(stored, next));
            next += places[^1].Count;
        }

        return places;
    }

    public static bool Fits(IReadOnlyList<EdgePlace> places) => places.Sum(place => (long)place.Count) <= MostPieces && places.All(place => place.Object.Bytes <= MostObjectBytes);
}
