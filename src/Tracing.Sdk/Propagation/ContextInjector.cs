using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>Writes one context in every configured format, with the same ids and the same decision in each.</summary>
internal static class ContextInjector
{
    public static void Inject<TWriter>(in OutboundContext context, ref TWriter headers, PropagationSettings settings) where TWriter : struct, IHeaderWriter
    {
        if (settings.W3C) W3CHeaders.Write(context, ref headers);
        if (settings.B3 != B3Format.None) B3Headers.Write(context, settings.B3, ref headers);
    }
}
