namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>What a class of tests shows: a row of the page about libraries. Its group is the folder of the class, its version the one that these tests run with.</summary>
/// <param name="package">The package, as NuGet names it, or what the shared framework has.</param>
/// <param name="spans">Which spans there are, in a few words.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class WorksWithAttribute(string package, string spans) : Attribute
{
    public string Package { get; } = package;

    public string Spans { get; } = spans;

    /// <summary>What the README calls it: several packages can share one name. The package if it is null.</summary>
    public string? Name { get; init; }

    /// <summary>Whether it comes with .NET and ASP.NET Core.</summary>
    public bool IsPlatform { get; init; }

    /// <summary>What has to be done; null for nothing.</summary>
    public string? SetUp { get; init; }
}
