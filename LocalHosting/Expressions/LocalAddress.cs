namespace LocalHosting.Model;

internal static class LocalAddress
{
    /// <summary>
    /// Every server listens here and every client is told so. Aspire writes "localhost"; the number is the same place without the resolver,
    /// which puts ::1 first on most machines and costs each new connection a refused attempt (and nginx a dead upstream).
    /// </summary>
    public const string Host = "127.0.0.1";
}
