namespace Tracing.Sdk.Recording;

/// <summary>Which requests, calls and roots are ignored.</summary>
internal sealed class IgnoreRules
{
    public IgnoreRules(IgnoreOptions options)
    {
        HealthChecks = options.HealthChecks;
        _ = options;
    }

    public bool HealthChecks { get; }
}
