using System.Security.Cryptography;

namespace Upload.Api.Uploads;

/// <summary>Several digests of one stream of bytes, as they pass.</summary>
internal sealed class RunningChecks(params IEnumerable<HashAlgorithmName> algorithms) : IDisposable
{
    private readonly List<IncrementalHash> _hashes = [.. algorithms.Distinct().Select(IncrementalHash.CreateHash)];

    public void Append(ReadOnlySpan<byte> bytes)
    {
        foreach (var hash in _hashes)
        {
            hash.AppendData(bytes);
        }
    }

    /// <summary>Of what has passed; of an algorithm that it was made with.</summary>
    public byte[] Of(HashAlgorithmName algorithm) => _hashes.Single(hash => hash.AlgorithmName == algorithm).GetCurrentHash();

    public void Dispose() => _hashes.ForEach(hash => hash.Dispose());
}
