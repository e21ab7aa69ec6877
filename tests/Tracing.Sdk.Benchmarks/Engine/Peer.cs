using System.Diagnostics;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.Json;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>OpenTelemetry's own serializers, which are internal: called directly, so that nothing but them is measured.</summary>
internal static class Peer
{
    public delegate int OtlpWriter(ref byte[] buffer, Batch<Activity> batch);

    /// <summary>Writes a whole request.</summary>
    public static OtlpWriter Otlp()
    {
        var assembly = typeof(OtlpTraceExporter).Assembly;
        var write = assembly.GetType("OpenTelemetry.Exporter.OpenTelemetryProtocol.Implementation.Serializer.ProtobufOtlpTraceSerializer", true)!
            .GetMethod("WriteTraceData", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        var limits = Activator.CreateInstance(
            assembly.GetType("OpenTelemetry.Exporter.OpenTelemetryProtocol.Implementation.SdkLimitOptions", true)!)!;
        var resource = ResourceBuilder.CreateEmpty()
            .AddAttributes(Workload.Resource.Attributes).Build();
        var buffer = Expression.Parameter(typeof(byte[]).MakeByRefType());
        var batch = Expression.Parameter(typeof(Batch<Activity>));
        return Expression.Lambda<OtlpWriter>(
            Expression.Call(
                write,
                buffer,
                Expression.Constant(0),
                Expression.Constant(limits),
                Expression.Constant(resource),
                batch,
                Expression.Constant(64 * 1024 * 1024)),
            buffer,
            batch).Compile();
    }

    /// <summary>Writes one span of a list.</summary>
    public static Action<Activity, Utf8JsonWriter> Zipkin()
    {
        var assembly = typeof(ZipkinExporter).Assembly;
        var convert = assembly.GetType("OpenTelemetry.Exporter.Zipkin.Implementation.ZipkinActivityConversionExtensions", true)!
            .GetMethod("ToZipkinSpan", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
        var write = convert.ReturnType.GetMethod("Write", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!;
        var endpointType = convert.GetParameters()[1].ParameterType;
        var endpoint = endpointType.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Single(constructor => constructor.GetParameters() is [{ ParameterType: var only }] && only == typeof(string)).Invoke(["benchmark"]);
        var give = convert.ReturnType.GetMethod("Return", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)!;
        var activity = Expression.Parameter(typeof(Activity));
        var writer = Expression.Parameter(typeof(Utf8JsonWriter));
        var span = Expression.Variable(convert.ReturnType);
        return Expression.Lambda<Action<Activity, Utf8JsonWriter>>(
            Expression.Block(
                [span],
                Expression.Assign(span, Expression.Call(convert, activity, Expression.Constant(endpoint), Expression.Constant(false))),
                Expression.Call(span, write, writer),
                Expression.Call(span, give)),
            activity,
            writer).Compile();
    }
}
