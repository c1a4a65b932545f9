await Storage.Metadata.StorageMetadata.Build(args).RunAsync();
