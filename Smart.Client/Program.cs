await Console.Error.WriteLineAsync("usage: smart-client VIDEO_ID");
return 2;
