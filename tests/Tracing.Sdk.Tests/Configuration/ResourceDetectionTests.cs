using Tracing.Sdk.Configuration;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Tests.Configuration;

public sealed class ResourceDetectionTests
{
    private const string Id = "3a1f0e5b7c9d2846a0b1c2d3e4f5061728394a5b6c7d8e9f0a1b2c3d4e5f6071";

    [Theory]
    [InlineData("12:memory:/docker/" + Id)]
    [InlineData("11:cpu,cpuacct:/kubepods/burstable/pod2f5a4b1c-0000-4444-8888-123456789abc/" + Id)]
    [InlineData("0::/system.slice/docker-" + Id + ".scope")]
    [InlineData("1:name=systemd:/kubepods.slice/kubepods-pod2f5a4b1c.slice/cri-containerd-" + Id + ".scope")]
    [InlineData("4:pids:/system.slice/containerd.service/kubepods-burstable-pod2f5a.slice:cri-containerd:" + Id)]
    [InlineData("1:name=systemd:/ecs/0123456789abcdef0123456789abcdef/" + Id)]
    public void ContainerId_GroupOfVersion1_IsFound(string line) => Assert.Equal(Id, Detect(group: ["13:hugetlb:/", line])["container.id"]);

    [Theory]
    [InlineData("473 456 254:1 /docker/volumes/minikube/_data/lib/docker/containers/" + Id + "/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw")]
    [InlineData("983 961 0:56 /containers/overlay-containers/" + Id + "/userdata/hostname /etc/hostname rw,nosuid - tmpfs tmpfs rw")]
    public void ContainerId_GroupOfVersion2_IsFoundInMounts(string line) => Assert.Equal(Id, Detect(group: ["0::/"], mounts: ["22 27 0:21 / /proc rw - proc proc rw", line])["container.id"]);

    [Theory]
    [InlineData("0::/", "22 27 0:21 / /proc rw - proc proc rw")]
    [InlineData("0::/user.slice/user-1000.slice/session-2.scope", "")]
    [InlineData("4:memory:/process_api/cb69a7216ca409e051e6cc024a05ea96", "1 2 8:1 /sandboxes/" + Id + "/hostname /etc/hostname rw - ext4 x rw")]
    public void ContainerId_OutsideAContainer_IsLeftOut(string group, string mounts) => Assert.DoesNotContain("container.id", Detect(group: [group], mounts: [mounts]));

    [Fact]
    public void ContainerId_NoProc_IsLeftOut() =>
        Assert.DoesNotContain("container.id", new ResourceDetection(_ => null, _ => throw new FileNotFoundException()).Detect(null));

    [Fact]
    public void Pod_VariablesOfTheDownwardApi_AreRead()
    {
        var found = Detect(variables: new()
        {
            ["POD_NAME"] = "orders-7d9c", ["POD_NAMESPACE"] = "shop", ["POD_UID"] = "2f5a", ["POD_IP"] = "10.1.2.3", ["NODE_NAME"] = "node-1", ["CONTAINER_NAME"] = "orders",
        });

        string[] keys = ["k8s.pod.name", "k8s.namespace.name", "k8s.pod.uid", "k8s.pod.ip", "k8s.node.name", "k8s.container.name", "service.namespace"];
        Assert.Equal(["orders-7d9c", "shop", "2f5a", "10.1.2.3", "node-1", "orders", "shop"], keys.Select(key => found[key]));
    }

    [Theory]
    [InlineData("orders\n7d9c")]
    [InlineData("orders\u001b[31m")]
    [InlineData(254)]
    public void Pod_ValueThatIsNoName_IsLeftOut(object value)
    {
        var text = value as string ?? new string('x', (int)value);
        Assert.DoesNotContain("k8s.pod.name", Detect(variables: new() { ["POD_NAME"] = text }));
        Assert.Equal("orders", Detect(variables: new() { ["POD_NAME"] = text, ["MY_POD_NAME"] = "orders" })["k8s.pod.name"]);
    }

    [Fact]
    public void Pod_OtherUsualNames_AreRead()
    {
        var found = Detect(variables: new() { ["MY_POD_NAME"] = "a", ["K8S_NAMESPACE"] = "b", ["K8S_NODE_NAME"] = "c" });
        Assert.Equal(("a", "b", "c"), (found["k8s.pod.name"], found["k8s.namespace.name"], found["k8s.node.name"]));
    }

    [Fact]
    public void Pod_NodeNameOfABuildServer_IsNotRead() => Assert.DoesNotContain(Detect(variables: new() { ["NODE_NAME"] = "agent-7" }).Keys, key => key.StartsWith("k8s.", StringComparison.Ordinal));

    [Fact]
    public void Pod_NodeNameInKubernetes_IsRead() =>
        Assert.Equal("node-1", Detect(variables: new() { ["NODE_NAME"] = "node-1", ["KUBERNETES_SERVICE_HOST"] = "10.0.0.1" })["k8s.node.name"]);

    [Theory]
    [InlineData("Production", null, "production")]
    [InlineData(null, "Staging", "staging")]
    [InlineData("Production", "Staging", "production")]
    [InlineData(null, " ", null)]
    public void Environment_HostFirst_ThenVariable(string? host, string? variable, string? expected) =>
        Assert.Equal(expected, Detect(host, new() { ["DOTNET_ENVIRONMENT"] = variable ?? "" }).GetValueOrDefault("deployment.environment.name"));

    [Fact]
    public void Process_IsDescribed()
    {
        var found = Detect();
        Assert.Equal((System.Environment.MachineName, System.Environment.ProcessId, ".NET"), (found["host.name"], found["process.pid"], found["process.runtime.name"]));
        Assert.StartsWith("10.", (string)found["process.runtime.version"], StringComparison.Ordinal);
        Assert.Superset(new HashSet<string> { "os.type", "os.description", "process.runtime.description", "service.version", "service.instance.id" }, found.Keys.ToHashSet());
    }

    [Fact]
    public void Resource_DeclaredAttribute_ReplacesTheDetectedOne() => Assert.Equal("mine", Value(Create(o => o.ResourceAttributes["host.name"] = "mine"), "host.name"));

    [Fact]
    public void Resource_EmptyAttribute_RemovesTheDetectedOne() => Assert.Null(Value(Create(o => o.ResourceAttributes["host.name"] = ""), "host.name"));

    [Fact]
    public void Resource_Declared_AreNamed() => Assert.Equal(["team"], Create(o => o.ResourceAttributes["team"] = "west").Declared);

    private static object? Value(Resource resource, string key) => resource.Attributes.FirstOrDefault(attribute => attribute.Key == key).Value;

    private static Resource Create(Action<MeshTracingOptions> configure)
    {
        var options = new MeshTracingOptions();
        configure(options);
        return TracingParts.CreateResource(options, "tests", ResourceDetection.OfThisProcess, null);
    }

    private static Dictionary<string, object> Detect(
        string? environment = null, Dictionary<string, string>? variables = null, string[]? group = null, string[]? mounts = null) =>
        new ResourceDetection(
            name => variables?.GetValueOrDefault(name),
            file => (file.EndsWith("cgroup", StringComparison.Ordinal) ? group : mounts) ?? []).Detect(environment);
}
