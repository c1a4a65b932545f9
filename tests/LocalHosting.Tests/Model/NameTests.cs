using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalHosting.Model;
using Xunit;

namespace LocalHosting.Tests.Model;

public sealed class NameTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("upload-api-1")]
    [InlineData("A1-b2")]
    [InlineData("x234567890123456789012345678901234567890123456789012345678901234")]
    public void Names_that_Aspire_takes_are_taken(string name) => Assert.Equal(name, new ContainerResource(name).Name);

    [Theory]
    [InlineData("1a")]
    [InlineData("-a")]
    [InlineData("a-")]
    [InlineData("a--b")]
    [InlineData("a_b")]
    [InlineData("ä")]
    [InlineData("a b")]
    [InlineData("x2345678901234567890123456789012345678901234567890123456789012345")]
    public void Names_that_Aspire_refuses_are_refused(string name) => Assert.Throws<DistributedApplicationException>(() => new ContainerResource(name));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void Empty_names_are_refused(string name) => Assert.Throws<ArgumentException>(() => new ContainerResource(name));

    [Fact]
    public void Two_resources_cannot_share_a_name_in_any_case()
    {
        var builder = Models.Create();
        builder.AddContainer("Web", "nginx");
        Assert.Throws<DistributedApplicationException>(() => builder.AddContainer("web", "nginx"));
    }

    [Theory]
    [InlineData("upload-api", "UPLOAD_API")]
    [InlineData("videodb", "VIDEODB")]
    [InlineData("a.b_c", "A_B_C")]
    public void Variables_take_their_prefix_from_the_name(string name, string prefix) => Assert.Equal(prefix, ResourceNames.ToVariable(name));
}
