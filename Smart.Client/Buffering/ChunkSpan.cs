using System.Runtime.InteropServices;

namespace Smart.Client.Buffering;

/// <summary>The chunks that a playback plays: all of a video, or those of a seek.</summary>
/// <param name="First">From 0.</param>
/// <param name="End">Behind the last.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ChunkSpan(int First, int End);
