namespace Tracing.Sdk.Propagation;

/// <summary>A carrier behind OpenTelemetry's setter delegate.</summary>
internal readonly struct SetterWriter<T>(T carrier, Action<T, string, string> setter) : IHeaderWriter
{
    public void Set(string name, string value) => setter(carrier, name, value);
}
