using System.Reflection;

namespace Tracing.Sdk.Recording;

/// <summary>
/// OpenTelemetry's SDK, if the application uses it beside this library for metrics, logs or traces. This library does not reference it:
/// its one public property of interest is bound by name once the assembly is loaded.
/// </summary>
internal static class OpenTelemetrySdk
{
    private const string AssemblyName = "OpenTelemetry";

    private static volatile bool _isLoaded;
    private static volatile Func<bool>? _isSuppressing;

    static OpenTelemetrySdk()
    {
        // In this order: an assembly that is loaded in between is seen twice, not never.
        AppDomain.CurrentDomain.AssemblyLoad += static (_, e) => Look(e.LoadedAssembly);
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies()) Look(assembly);
    }

    /// <summary>Whether the SDK is in the process. Until then nothing of it needs to be asked.</summary>
    public static bool IsLoaded => _isLoaded;

    /// <summary>Whether the running code is in a <c>SuppressInstrumentationScope</c>.</summary>
    public static bool IsSuppressing => (_isSuppressing ??= Bind())();

    private static void Look(Assembly assembly)
    {
        if (assembly.GetName().Name == AssemblyName) _isLoaded = true;
    }

    // Literal names, which the trimmer understands. Not while the assembly is being loaded: other code's locks may be held then.
    private static Func<bool> Bind() =>
        Type.GetType("OpenTelemetry.Sdk, OpenTelemetry")?.GetProperty("SuppressInstrumentation")?.GetMethod?.CreateDelegate<Func<bool>>()
        ?? (static () => false);
}
