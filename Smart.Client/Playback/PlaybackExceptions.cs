namespace Smart.Client.Playback;

/// <summary>The metadata service knows no such video, or none that can be played.</summary>
public sealed class VideoNotFoundException(Guid videoId) : Exception($"There is no video {videoId:D}.");

/// <summary>As many playbacks run as the settings allow.</summary>
public sealed class TooManyPlaybacksException(int most) : Exception($"{most} playbacks run already; SmartClient:Playbacks sets how many may.");
