namespace Lifecycle.Contracts;

/// <summary>Every fixed bound of the platform that more than one project needs, with its reason. Configurable ones are options.</summary>
public static class Limits
{
    /// <summary>What is kept of a failure's detail: enough for ffmpeg's last screen, small enough for a row.</summary>
    public const int FailureDetailChars = 8 * 1024;

    /// <summary>Characters of an Idempotency-Key: a UUID is 36, the draft's examples are shorter.</summary>
    public const int IdempotencyKeyChars = 255;

    /// <summary>File names are kept for display only.</summary>
    public const int FileNameChars = 255;

    /// <summary>Rows that one relay pass publishes before it marks them: bounds what a crash publishes twice.</summary>
    public const int OutboxBatch = 100;

    /// <summary>Permits that one transaction sends. More would not wake more workers than a pool of this size has.</summary>
    public const int PermitsPerTransaction = 16;

    /// <summary>Times that the broker hands a message out before it goes to the unhandled queue (4.x drops after 20 by default).</summary>
    public const int DeliveryLimit = 10;

    /// <summary>Database connections of one process: ten processes stay under Postgres' default of 100 with room for psql.</summary>
    public const int DatabaseConnectionsPerProcess = 8;

    /// <summary>S3's smallest part but the last (AWS: 5 MiB).</summary>
    public const int S3MinimumPartBytes = 5 * 1024 * 1024;

    /// <summary>S3's greatest part number.</summary>
    public const int S3MaximumParts = 10_000;
}
