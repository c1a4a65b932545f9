using Lifecycle.Contracts;

namespace Upload.Api.Uploads;

/// <summary>
/// The request's body could not be read: it breaks off, is no multipart, or is too large. A type of its own, because the S3
/// client throws a bare <see cref="IOException"/> too, and that is the server's failure.
/// </summary>
internal sealed class BodyException : Exception
{
    private BodyException(Exception cause)
        : base(cause is InvalidDataException ? cause.Message : "The body breaks off.", cause)
    {
    }

    public Problem Problem => InnerException is BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } ? Problems.TooLarge : Problems.MalformedBody;

    /// <summary>Runs a read of the body, and of nothing else.</summary>
    public static async ValueTask<T> GuardAsync<T>(Func<ValueTask<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            throw new BodyException(exception);
        }
    }
}
