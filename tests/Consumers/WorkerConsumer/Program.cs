using System.Diagnostics;
using Tracing.Sdk;

// A job without a host: what it did is sent when `tracing` is disposed.
using var tracing = MeshTracing.Start();
using var source = new ActivitySource("WorkerConsumer");
using (source.StartActivity("nightly job"))
{
    using var http = new HttpClient();
    using var response = await http.GetAsync(args[0]);
}
