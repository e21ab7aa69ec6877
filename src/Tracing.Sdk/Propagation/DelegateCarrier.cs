using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>A carrier behind a getter delegate of OpenTelemetry, which is user code and may throw.</summary>
internal readonly struct GetterReader<T>(T carrier, Func<T, string, IEnumerable<string>?> getter) : IHeaderReader
{
    public StringValues Get(string name)
    {
        try
        {
            return getter(carrier, name) switch
            {
                null => default,
                string[] values => values,
                StringValues values => values,
                var values => values.ToArray(),
            };
        }
        catch (Exception)
        {
            // A getter that throws counts as having no header: the message must still be handled.
            return default;
        }
    }
}

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
