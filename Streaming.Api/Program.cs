await Streaming.Api.StreamingApi.Build(args).RunAsync();
