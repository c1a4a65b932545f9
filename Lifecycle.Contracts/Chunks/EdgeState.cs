namespace Lifecycle.Contracts.Chunks;

/// <summary>How far the copy of a video's served version on the chunk store's nodes is.</summary>
public enum EdgeState
{
    /// <summary>Nobody wants one.</summary>
    None,

    /// <summary>It is wanted, and a worker places it or will.</summary>
    Placing,

    /// <summary>All of it is placed: segments are read from the nodes, and from S3 where that fails.</summary>
    Ready,

    /// <summary>Placing it was given up; to ask for it again begins another.</summary>
    Failed,
}
