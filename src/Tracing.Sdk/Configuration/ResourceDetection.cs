using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Configuration;

/// <summary>Finds out what this process is and where it runs. Does not throw: what cannot be found is left out.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/semconv/resource/</remarks>
/// <param name="readVariable">Reads an environment variable.</param>
/// <param name="readLines">Reads the lines of a file.</param>
internal sealed partial class ResourceDetection(Func<string, string?> readVariable, Func<string, IEnumerable<string>> readLines)
{
    // https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    private const int MaxNameLength = 253;

    // Kubernetes sets none of these itself: a manifest gives them a name of its own choice, by the downward API. These are the names that documentation and charts use.
    private static readonly (string Attribute, string[] Variables)[] PodVariables =
    [
        ("k8s.pod.name", ["POD_NAME", "K8S_POD_NAME", "MY_POD_NAME"]),
        ("k8s.pod.uid", ["POD_UID", "K8S_POD_UID", "MY_POD_UID"]),
        ("k8s.pod.ip", ["POD_IP", "K8S_POD_IP", "MY_POD_IP"]),
        ("k8s.namespace.name", ["POD_NAMESPACE", "K8S_NAMESPACE", "K8S_NAMESPACE_NAME", "K8S_POD_NAMESPACE", "MY_POD_NAMESPACE"]),
        ("k8s.node.name", ["K8S_NODE_NAME", "MY_NODE_NAME", "NODE_NAME"]),
        ("k8s.container.name", ["CONTAINER_NAME", "K8S_CONTAINER_NAME", "MY_CONTAINER_NAME"]),
        ("k8s.deployment.name", ["K8S_DEPLOYMENT_NAME", "DEPLOYMENT_NAME"]),
        ("k8s.cluster.name", ["K8S_CLUSTER_NAME", "CLUSTER_NAME"]),
    ];

    /// <summary>Detection in the process as it is.</summary>
    public static ResourceDetection OfThisProcess { get; } = new(Environment.GetEnvironmentVariable, File.ReadLines);

    /// <summary>Returns the attributes that were found.</summary>
    /// <param name="environment">The host's environment, such as Production; null without a host.</param>
    public Dictionary<string, object> Detect(string? environment)
    {
        var found = new Dictionary<string, object>(StringComparer.Ordinal);
        if (Assembly.GetEntryAssembly() is { } entry) Add(found, "service.version", SdkVersion.Read(entry));
        found["service.instance.id"] = Guid.NewGuid().ToString();
        Add(found, "deployment.environment.name", (environment ?? Variable("DOTNET_ENVIRONMENT") ?? Variable("ASPNETCORE_ENVIRONMENT"))?.ToLowerInvariant());
        AddPod(found);
        Add(found, "container.id", FindContainer());
        AddProcess(found);
        return found;
    }

    private void AddPod(Dictionary<string, object> found)
    {
        // Some of the names mean other things elsewhere: build servers set NODE_NAME.
        var isPod = Variable("KUBERNETES_SERVICE_HOST") is not null || PodVariables[0].Variables.Any(name => Variable(name) is not null);
        if (!isPod) return;
        foreach (var (attribute, variables) in PodVariables) Add(found, attribute, variables.Select(Variable).FirstOrDefault(IsName));
        // https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/
        if (found.TryGetValue("k8s.namespace.name", out var space)) found["service.namespace"] = space;
    }

    private static void AddProcess(Dictionary<string, object> found)
    {
        Add(found, "host.name", Environment.MachineName);
        Add(found, "os.type", OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : null);
        Add(found, "os.description", RuntimeInformation.OSDescription);
        found["process.pid"] = Environment.ProcessId;
        Add(found, "process.runtime.name", ".NET");
        Add(found, "process.runtime.version", Environment.Version.ToString());
        Add(found, "process.runtime.description", RuntimeInformation.FrameworkDescription);
    }

    // cgroup v1 has the id in the path of the process's group. With v2 that path is "/", and the id is in the path from which the container engine mounts /etc/hostname.
    private string? FindContainer() => Find("/proc/self/cgroup", GroupOfContainer()) ?? Find("/proc/self/mountinfo", MountOfContainer());

    private string? Find(string file, Regex pattern)
    {
        try
        {
            return readLines(file).Select(line => pattern.Match(line)).FirstOrDefault(match => match.Success)?.Groups[1].Value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or /proc is closed.
            return null;
        }
    }

    private string? Variable(string name) => readVariable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    // A variable that only shares its name with these can hold anything, and Zipkin's spans would all bear it.
    private static bool IsName(string? value) => value is { Length: <= MaxNameLength } && !value.Any(char.IsControl);

    private static void Add(Dictionary<string, object> found, string key, string? value)
    {
        if (!string.IsNullOrEmpty(value)) found[key] = value;
    }

    // 12:memory:/kubepods/burstable/pod<uid>/<id>, 0::/system.slice/docker-<id>.scope, .../cri-containerd-<id>.scope, .../<id>:cri-containerd
    [GeneratedRegex("^[0-9]+:[^:]*:/.*?([0-9a-f]{64})(?:[^0-9a-f/][^/]*)?$")]
    private static partial Regex GroupOfContainer();

    // ... /var/lib/docker/containers/<id>/hostname /etc/hostname ..., .../overlay-containers/<id>/userdata/hostname /etc/hostname ...
    // containerd in Kubernetes mounts the file of the pod's sandbox, whose id is not that of the container.
    [GeneratedRegex("/(?:containers|overlay-containers)/([0-9a-f]{64})/.*hostname /etc/hostname ")]
    private static partial Regex MountOfContainer();
}
