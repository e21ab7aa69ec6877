using System.Reflection;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>The attributes of this process, <c>service.name</c> first.</summary>
internal sealed record Resource(IReadOnlyList<KeyValuePair<string, object>> Attributes)
{
    /// <summary>The schema of the attribute names of resource and spans.</summary>
    public const string SchemaUrl = "https://opentelemetry.io/schemas/1.44.0";

    /// <summary>The keys of the attributes that the user has set, among them.</summary>
    public IReadOnlySet<string> Declared { get; init; } = new HashSet<string>();

    /// <summary><c>service.name</c>, "unknown_service" when there is none.</summary>
    public string ServiceName => Attributes.FirstOrDefault(attribute => attribute.Key == "service.name").Value as string ?? "unknown_service";
}

/// <summary>The version of this library.</summary>
internal static class SdkVersion
{
    public static string Text { get; } = Read(typeof(SdkVersion).Assembly) ?? "0";

    /// <summary>Returns the version of an assembly, without the commit that the build appends after a plus sign.</summary>
    public static string? Read(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
