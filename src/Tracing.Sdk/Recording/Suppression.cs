namespace Tracing.Sdk.Recording;

/// <summary>Marks a flow of execution whose spans are not recorded, such as the exporters' own requests.</summary>
internal static class Suppression
{
    private static readonly AsyncLocal<bool> Local = new();

    /// <summary>Whether the running code must not produce spans.</summary>
    public static bool IsActive => Local.Value;

    /// <summary>Suppresses spans in the current flow until the scope is disposed of.</summary>
    public static Scope Begin()
    {
        var before = Local.Value;
        Local.Value = true;
        return new Scope(before);
    }

    /// <summary>Restores what held before.</summary>
    public readonly struct Scope(bool before) : IDisposable
    {
        public void Dispose() => Local.Value = before;
    }
}
