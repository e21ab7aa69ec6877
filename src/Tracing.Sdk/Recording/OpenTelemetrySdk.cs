using System.Reflection;

namespace Tracing.Sdk.Recording;

/// <summary>OpenTelemetry's SDK, which an application may use beside this library for metrics, logs or traces. This library does not reference it, and binds the two
/// members that it needs by name once the assembly is loaded.</summary>
internal static class OpenTelemetrySdk
{
    private const string AssemblyName = "OpenTelemetry";

    private static volatile bool _isLoaded;
    private static volatile Func<bool>? _isSuppressing;
    private static volatile Func<bool, IDisposable?>? _beginSuppression;

    static OpenTelemetrySdk()
    {
        // In this order: an assembly that is loaded in between is seen twice instead of never.
        AppDomain.CurrentDomain.AssemblyLoad += static (_, e) => Look(e.LoadedAssembly);
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies()) Look(assembly);
    }

    public static bool IsLoaded => _isLoaded;

    /// <summary>Whether the running code is in a <c>SuppressInstrumentationScope</c>.</summary>
    public static bool IsSuppressing => (_isSuppressing ??= BindProperty())();

    /// <summary>Enters such a scope, so that its tracing makes no spans of the running code.</summary>
    /// <returns>The scope to dispose of; null when the SDK is not loaded, or has no such type.</returns>
    public static IDisposable? BeginSuppression() => IsLoaded ? (_beginSuppression ??= BindScope())(true) : null;

    private static void Look(Assembly assembly)
    {
        if (assembly.GetName().Name == AssemblyName) _isLoaded = true;
    }

    // The trimmer understands literal names. Bound at the first use and not while the assembly is loaded, because locks of other code may then be held.
    private static Func<bool> BindProperty() =>
        Type.GetType("OpenTelemetry.Sdk, OpenTelemetry")?.GetProperty("SuppressInstrumentation")?.GetMethod?.CreateDelegate<Func<bool>>()
        ?? (static () => false);

    private static Func<bool, IDisposable?> BindScope() =>
        Type.GetType("OpenTelemetry.SuppressInstrumentationScope, OpenTelemetry")?.GetMethod("Begin", [typeof(bool)])?.CreateDelegate<Func<bool, IDisposable?>>()
        ?? (static _ => null);
}
