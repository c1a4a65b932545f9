namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that is known when the application runs.</summary>
public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>How the manifest writes a value that is known only where the application is deployed.</summary>
public interface IManifestExpressionProvider
{
    string ValueExpression { get; }
}
