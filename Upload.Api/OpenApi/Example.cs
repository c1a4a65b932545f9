namespace Upload.Api.OpenApi;

/// <summary>What the examples have in common: one account, one video, one of everything.</summary>
internal static class Example
{
    public const string User = "0194720e-8c10-7b5e-9d3a-2f6b1c0e4a71";
    public const string Key = "0194720f-03aa-7c41-8b52-90de37f1a6c2";
    public const string Video = "01947210-5d20-7a8f-a1c4-6e9b30d2f584";
    public const string Upload = "01947211-9b3c-7d60-b2e7-481fa5c06d93";
    public const string Job = "01947212-e41f-7e97-8c05-d72b9f1634ae";
    public const string Entry = "01947213-2c58-7f03-9a6d-b5e0718c42df";
    public const string Webhook = "01947214-7a94-7b2d-8f13-0c6e5da9b7e8";
    public const string Delivery = "01947215-b0d6-7c8a-ae49-f31d82056b9c";

    /// <summary>A page's end where another one follows.</summary>
    public const string Next = $"\"next\":\"{Delivery}\"";
}
