namespace Tracing.Sdk.Propagation;

/// <summary>A carrier behind a setter delegate of OpenTelemetry, which is user code and may throw.</summary>
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
            // A setter that throws gets no header: the message must still be sent.
        }
    }
}
