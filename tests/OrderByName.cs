using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Testing.OrderByName))]
[assembly: TestCaseOrderer(typeof(Testing.OrderByName))]

namespace Testing;

/// <summary>The order of classes and of what they test. xUnit's own follows from the path of the assembly: what fails behind another test would fail in one clone only.</summary>
internal sealed class OrderByName : ITestCollectionOrderer, ITestCaseOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(collection => collection.TestCollectionDisplayName, StringComparer.Ordinal)];

    public IReadOnlyCollection<TTestCase> OrderTestCases<TTestCase>(IReadOnlyCollection<TTestCase> testCases)
        where TTestCase : notnull, ITestCase => [.. testCases.OrderBy(test => test.TestCaseDisplayName, StringComparer.Ordinal)];
}
