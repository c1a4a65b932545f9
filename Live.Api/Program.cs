await Live.Api.LiveApi.Build(args).RunAsync();
