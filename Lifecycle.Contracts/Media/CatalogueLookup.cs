namespace Lifecycle.Contracts.Media;

/// <summary>Finds what an address names in a catalogue.</summary>
public static class CatalogueLookup
{
    extension(Catalogue catalogue)
    {
        public IEnumerable<Track> Tracks => catalogue.Video.Concat<Track>(catalogue.Audio);

        /// <summary>Null where the version, the track or the index is not in this catalogue.</summary>
        public StoredObject? Find(SegmentId id)
        {
            if (id.Version != catalogue.Version || catalogue.Tracks.FirstOrDefault(track => track.Name == id.Track) is not { } track)
                return null;
            if (id.Index is not { } index)
                return track.Init;
            return index < track.Segments.Count ? track.Segments[index].Object : null;
        }

        /// <summary>Every object of the version, each once.</summary>
        public IEnumerable<StoredObject> Objects =>
            catalogue.Tracks.SelectMany(track => track.Segments.Select(segment => segment.Object).Prepend(track.Init))
                .Concat(new[] { catalogue.Poster, catalogue.Storyboard?.Sprite }.OfType<StoredObject>());
    }
}
