using System.Diagnostics;
using Tracing.Sdk;

// A job without a host. Its spans are sent when `tracing` is disposed of.
using var tracing = MeshTracing.Start();
using var source = new ActivitySource("WorkerConsumer");
using (source.StartActivity("nightly job"))
{
    using var http = new HttpClient();
    using var response = await http.GetAsync(args[0]);
}
