namespace Tracing.Sdk.Propagation;

/// <summary>A carrier behind OpenTelemetry's setter delegate, which is the user's code and may do anything.</summary>
internal readonly struct SetterWriter<T>(T carrier, Action<T, string, string> setter) : IHeaderWriter
{
    public void Set(string name, string value)
    {
        try
        {
            setter(carrier, name, value);
        }
        catch (Exception)
        {
            // A setter that throws takes no header from us; the message must still be sent.
        }
    }
}
