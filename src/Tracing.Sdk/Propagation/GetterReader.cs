using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>A carrier behind OpenTelemetry's getter delegate, which is the user's code and may do anything.</summary>
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
            // A getter that throws has no header for us; the message it belongs to must still be handled.
            return default;
        }
    }
}
