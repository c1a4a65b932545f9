using Lifecycle.Contracts;
using Microsoft.OpenApi;

namespace Upload.Api.OpenApi;

/// <summary>A feature's operations, as its folder tells them.</summary>
/// <param name="Name">The tag.</param>
public sealed record FeatureDoc(string Name, string Description, IReadOnlyList<OperationDoc> Operations);

/// <summary>Whom an operation answers.</summary>
public enum Access
{
    /// <summary>Any account.</summary>
    Account,

    Admin,

    /// <summary>Everybody; a credential makes what comes of it the account's, and a wrong one is refused.</summary>
    Optional,

    Open,
}

/// <summary>A row of a feature's table: what one route takes and answers. What holds for all routes is added by <see cref="OperationWriter"/>.</summary>
/// <param name="Id">Names it in generated clients; stable.</param>
/// <param name="Answer">The success.</param>
public sealed record OperationDoc(string Method, string Path, string Id, string Summary, AnswerDoc Answer)
{
    public Access Access { get; init; }

    public string? Description { get; init; }

    /// <summary>Beside those in the path, which <see cref="Parameters"/> describes.</summary>
    public IReadOnlyList<ParameterDoc> Parameters { get; init; } = [];

    public BodyDoc? Request { get; init; }

    public bool IsRequestOptional { get; init; }

    /// <summary>Successes beside <see cref="Answer"/>.</summary>
    public IReadOnlyList<AnswerDoc> Also { get; init; } = [];

    /// <summary>Its own; those of access, limits, bodies and outages are added.</summary>
    public IReadOnlyList<Problem> Problems { get; init; } = [];

    /// <summary>Moves bytes: an account's requests are not counted.</summary>
    public bool IsDataPlane { get; init; }

    /// <summary>Its HEAD: the same without a body.</summary>
    public OperationDoc Head() => this with { Method = "HEAD", Id = $"{Id}Head", Summary = $"{Summary}: the headers alone", Answer = Answer with { Body = null }, Also = [.. Also.Select(answer => answer with { Body = null })] };
}

/// <param name="Headers">Their names, from <see cref="Headers"/>.</param>
public sealed record AnswerDoc(int Status, string Description, BodyDoc? Body = null, params IReadOnlyList<string> Headers);

/// <param name="Type">The body's type; null: bytes, or text of no type of ours.</param>
/// <param name="Example">As it is sent.</param>
public sealed record BodyDoc(string MediaType, Type? Type, string? Example)
{
    /// <summary>The field that holds the file, of a form.</summary>
    public string? FileField { get; init; }

    public static BodyDoc Json<T>(string example) => new("application/json", typeof(T), example);

    public static BodyDoc Bytes(string mediaType) => new(mediaType, null, null);

    public static BodyDoc Form(string field) => new("multipart/form-data", null, null) { FileField = field };
}

/// <param name="Type">Of its values.</param>
/// <param name="Values">All that it may be; empty: any.</param>
public sealed record ParameterDoc(string Name, ParameterLocation In, string Description, JsonSchemaType Type = JsonSchemaType.String, params IReadOnlyList<string> Values)
{
    public bool IsRequired { get; init; }

    public string? Format { get; init; }
}
