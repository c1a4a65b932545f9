namespace Media.Tests;

public sealed class EverySource
{
    public static TheoryData<string> Names => [.. Sources.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Becomes_a_video_that_plays_whole(string name)
    {
        var source = await Sources.GetAsync(name);
        var video = await Pipeline.RunAsync(source, Pipeline.Quick);
        await PlayableChecks.CheckAsync(source, video);
        await PlayableChecks.CheckToneAsync(video, name == "late-audio" ? 1.6 : 0.03);
    }
}
