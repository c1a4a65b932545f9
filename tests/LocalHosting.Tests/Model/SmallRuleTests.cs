using Aspire.Hosting;
using LocalHosting.Engine;
using LocalHosting.Programs;
using LocalHosting.State;
using Xunit;

namespace LocalHosting.Tests.Model;

public sealed class SmallRuleTests
{
    [Fact]
    public void Backoff_doubles_to_its_longest_and_starts_anew_after_a_long_life()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(30));
        var delays = Enumerable.Range(0, 7).Select(_ => backoff.After(TimeSpan.FromSeconds(1)).TotalSeconds).ToArray();
        Assert.Equal([1, 2, 4, 8, 16, 30, 30], delays);
        Assert.Equal(1, backoff.After(TimeSpan.FromMinutes(2)).TotalSeconds);
        Assert.Equal(2, backoff.After(TimeSpan.FromSeconds(1)).TotalSeconds);
    }

    [Fact]
    public void Templates_are_filled_with_defined_variables_only()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal) { ["UP"] = "127.0.0.1:1", ["EMPTY"] = "" };
        Assert.Equal(
            "server 127.0.0.1:1; proxy_set_header Host $host; x $uri ${OTHER} 127.0.0.1:1 [] $UPPER",
            NginxTemplate.Fill("server ${UP}; proxy_set_header Host $host; x $uri ${OTHER} $UP [${EMPTY}] $UPPER", variables));
    }

    [Fact]
    public void Missing_programs_are_named_with_their_packages_in_one_command()
    {
        var problem = Assert.Throws<DistributedApplicationException>(() => RequiredPrograms.Check(
            [new("/usr/sbin/nginx", "nginx-light"), new("/usr/bin/ceph-mon", "ceph-mon"), new("/usr/bin/ceph", "ceph-common")],
            path => path == "/usr/bin/ceph"));
        Assert.Contains("/usr/sbin/nginx (package nginx-light)", problem.Message, StringComparison.Ordinal);
        Assert.EndsWith("apt-get install --no-install-recommends ceph-mon nginx-light", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_without_a_local_program_is_refused_by_name()
    {
        var builder = Models.Create();
        var cache = builder.AddContainer("cache", "redis", "7").Resource;
        var problem = Assert.Throws<DistributedApplicationException>(() => ProgramCatalogue.For(cache, LocalHosting.Model.BuilderAccess.Local(builder)));
        Assert.Contains("'redis'", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ports_stay_from_start_to_start_and_two_engines_never_share_them()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "ports.json");
        int first;
        using (var book = new PortBook(file))
            first = book.Get("api");
        using var again = new PortBook(file);
        Assert.Equal(first, again.Get("api"));
        Assert.NotEqual(first, again.Get("other"));
        using var beside = new PortBook(Path.Combine(folder.Path, "beside.json"));
        Assert.True(Math.Abs(beside.Get("api") - first) >= 128);
    }

    [Fact]
    public void Numbered_replicas_are_one_list_in_the_endpoints_file()
    {
        var builder = Models.Create();
        builder.AddProject("upload-api-1", "../Upload.Api/Upload.Api.csproj").WithHttpEndpoint(name: "http");
        builder.AddProject("upload-api-2", "../Upload.Api/Upload.Api.csproj").WithHttpEndpoint(name: "http");
        builder.AddProject("worker", "../Upload.Api/Upload.Api.csproj").WithHttpEndpoint(name: "http").WithReplicas(2);
        builder.AddContainer("minio", "minio/minio").WithHttpEndpoint(targetPort: 9000);
        builder.AddContainer("gateway", "nginx").WithHttpEndpoint(targetPort: 8080).WithExternalHttpEndpoints();
        using var folder = new TemporaryFolder();
        using var ports = new PortBook(Path.Combine(folder.Path, "ports.json"));
        EndpointAllocator.Allocate(builder.Resources, ports, randomize: true);
        var notices = Notices.Endpoints(builder.Resources);
        Assert.Equal(["gateway", "upload-api", "worker"], notices.Keys);
        Assert.IsType<string>(notices["gateway"]);
        Assert.Equal(2, Assert.IsType<List<string>>(notices["upload-api"]).Count);
        Assert.Equal(2, Assert.IsType<List<string>>(notices["worker"]).Count);
    }

    [Fact]
    public void An_address_in_the_endpoints_file_has_the_scheme_and_the_path_that_the_model_says()
    {
        var builder = Models.Create();
        builder.AddContainer("ingest", "alfg/nginx-rtmp").WithEndpoint(targetPort: 1935, scheme: "rtmp", name: "rtmp", isExternal: true).WithUrlForEndpoint("rtmp", url => url.Url += "/live");
        using var folder = new TemporaryFolder();
        using var ports = new PortBook(Path.Combine(folder.Path, "ports.json"));
        EndpointAllocator.Allocate(builder.Resources, ports, randomize: true);
        Assert.Matches("^rtmp://127\\.0\\.0\\.1:[0-9]+/live$", Assert.IsType<string>(Notices.Endpoints(builder.Resources)["ingest"]));
    }
}
