using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Storage.Fabric.Chunks;

/// <summary>Rendezvous hashing: each node draws a number for the key, the highest have it. A node that comes or goes moves only what it takes or had.</summary>
public static class Placement
{
    /// <summary>The nodes for a key, the first choice first; fewer than <paramref name="count"/> where there are fewer.</summary>
    /// <param name="key">A chunk's id, usually.</param>
    /// <param name="nodeIds">In any order: the same nodes give the same answer in every process, for ever.</param>
    public static IReadOnlyList<string> Choose(string key, IReadOnlyList<string> nodeIds, int count) =>
        [.. nodeIds.Distinct(StringComparer.Ordinal).OrderByDescending(node => Draw(key, node)).ThenBy(node => node, StringComparer.Ordinal).Take(count)];

    /// <summary>SHA-256, because it is the same everywhere and near keys draw unlike numbers. The zero byte keeps "a" + "bc" and "ab" + "c" apart.</summary>
    private static ulong Draw(string key, string node) => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{key}\0{node}")));
}
