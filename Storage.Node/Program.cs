await Storage.Node.StorageNode.Build(args).RunAsync();
