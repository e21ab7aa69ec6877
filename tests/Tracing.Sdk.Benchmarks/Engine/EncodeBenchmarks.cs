using System.Diagnostics;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using OpenTelemetry;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>What does a span of eight tags cost from the ended activity to its place in the request's body?</summary>
[MemoryDiagnoser]
public class EncodeBenchmarks
{
    public const int Spans = 512;

    private readonly Activity[] _activities;
    private readonly SpanMetadata[] _facts;
    private readonly HttpFormat _otlp = Format("otlp");
    private readonly HttpFormat _zipkin = Format("zipkin");
    private readonly SpanBuffer _buffer = new(1024 * 1024, Spans, null);
    private readonly SpanBatch _batch = new(Spans, 4 * 1024 * 1024);
    private readonly RequestBody _body = new();
    private readonly byte[] _request = new byte[1024 * 1024];
    private readonly MemoryStream _peerBody = new();
    private readonly Peer.OtlpWriter _peerOtlp = Peer.Otlp();
    private readonly Action<Activity, Utf8JsonWriter> _peerZipkin = Peer.Zipkin();
    private readonly Utf8JsonWriter _peerWriter;
    private byte[] _peerBuffer = new byte[1024 * 1024];

    public EncodeBenchmarks()
    {
        using (Workload.Listen(Workload.SourceName))
        {
            _activities = [.. Enumerable.Range(0, Spans).Select(Workload.Ended)];
        }

        _facts = [.. _activities.Select(Workload.Facts)];
        _peerWriter = new Utf8JsonWriter(_peerBody);
    }

    [Benchmark(OperationsPerInvoke = Spans)]
    public long Encode_Otlp() => Run(_otlp);

    [Benchmark(OperationsPerInvoke = Spans)]
    public long Encode_Otlp_OpenTelemetry() => _peerOtlp(ref _peerBuffer, new Batch<Activity>(_activities, Spans));

    [Benchmark(OperationsPerInvoke = Spans)]
    public long Encode_Zipkin() => Run(_zipkin);

    [Benchmark(OperationsPerInvoke = Spans)]
    public long Encode_Zipkin_OpenTelemetry()
    {
        _peerBody.SetLength(0);
        _peerWriter.Reset(_peerBody);
        _peerWriter.WriteStartArray();
        foreach (var activity in _activities) _peerZipkin(activity, _peerWriter);
        _peerWriter.WriteEndArray();
        _peerWriter.Flush();
        return _peerBody.Length;
    }

    /// <summary>The encoder alone, without block and body.</summary>
    [Benchmark(OperationsPerInvoke = Spans)]
    public long EncodeOnly_Otlp() => Encode(_otlp.Encoder);

    /// <summary>The encoder alone, without block and body.</summary>
    [Benchmark(OperationsPerInvoke = Spans)]
    public long EncodeOnly_Zipkin() => Encode(_zipkin.Encoder);

    private static HttpFormat Format(string exporter)
    {
        var settings = Exporters.Settings(exporter, new MeshTracingOptions());
        return (HttpFormat)settings.CreateFormat(settings, Workload.Resource);
    }

    private long Encode(SpanEncoder encoder)
    {
        var bytes = 0L;
        for (var i = 0; i < Spans; i++)
        {
            var scratch = Scratch.Take();
            var writer = new ByteWriter(scratch, SpanEncoder.MaxSpanBytes);
            encoder.Encode(_activities[i], in _facts[i], encoder.Scopes.Get(_activities[i].Source), ref writer);
            bytes += writer.Position;
            scratch.Return();
        }

        return bytes;
    }

    // As SpanExporter.Add and its thread do it.
    private long Run(HttpFormat format)
    {
        var encoder = format.Encoder;
        for (var i = 0; i < Spans; i++)
        {
            var scratch = Scratch.Take();
            var writer = new ByteWriter(scratch, SpanEncoder.MaxSpanBytes);
            var scope = encoder.Scopes.Get(_activities[i].Source);
            var isError = encoder.Encode(_activities[i], in _facts[i], scope, ref writer);
            if (_buffer.Append(writer.Written, scope.Index, isError, out _) != AppendResult.Appended) throw new InvalidOperationException("The buffer is full.");
            scratch.Return();
        }

        _buffer.Seal();
        var bytes = 0L;
        while (_buffer.TryTake(_batch))
        {
            _body.Clear();
            format.WriteRequest(_batch, _body);
            using var reader = _body.Open();
            bytes += reader.Read(_request);
            _buffer.Settle(_batch);
        }

        return bytes;
    }
}
