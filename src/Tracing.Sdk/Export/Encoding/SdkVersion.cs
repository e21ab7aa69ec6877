using System.Reflection;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>The version of this library.</summary>
internal static class SdkVersion
{
    public static string Text { get; } = Read(typeof(SdkVersion).Assembly) ?? "0";

    /// <summary>Returns the version of an assembly, without the commit that the build appends after a plus sign.</summary>
    public static string? Read(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
}
