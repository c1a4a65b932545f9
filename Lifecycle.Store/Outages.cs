using System.Net.Sockets;
using Amazon.Runtime;
using Npgsql;
using RabbitMQ.Client.Exceptions;

namespace Lifecycle.Store;

/// <summary>Tells a store that is away from everything else: outages are waited for, errors are reported.</summary>
public static class Outages
{
    /// <summary>Also a schema that is not there yet: a reader may start before the first writer has made it.</summary>
    private const string UndefinedTable = "42P01";

    /// <summary>Postgres ended the transaction of a process that slept in it.</summary>
    private const string IdleInTransaction = "25P03";

    /// <summary>True when Postgres, RabbitMQ or S3 could not be reached or could not answer; trying later may help.</summary>
    public static bool IsOutage(Exception exception) => exception switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState is UndefinedTable or IdleInTransaction or "57P01" or "57P02" or "57P03" or "53300",
        NpgsqlException => true,
        RabbitMQClientException or BrokerUnreachableException => true, // the second is an IOException: a broker that goes away during the handshake
        AmazonServiceException s3 => (int)s3.StatusCode is 0 or >= 500 or 429 || (s3.InnerException is { } inner && IsOutage(inner)),
        AmazonClientException or HttpRequestException or SocketException or TimeoutException or HttpIOException => true,
        IOException { InnerException: SocketException } => true,
        AggregateException all => all.InnerExceptions.Any(IsOutage),
        OperationCanceledException { InnerException: TimeoutException } => true,
        _ => exception.InnerException is { } cause && IsOutage(cause),
    };
}
