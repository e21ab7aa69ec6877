using Google.Api;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Tracing.Sdk.CompatibilityTests.Web;

/// <summary>What the compiler of protocol buffers makes of
/// <c>service Orders { rpc Get (StringValue) returns (StringValue) { option (google.api.http) = { get: "/v1/orders/{value}" }; } }</c> in the package <c>shop</c>.</summary>
internal static class GrpcOrders
{
    private static readonly Marshaller<StringValue> Text = Marshallers.Create(message => message.ToByteArray(), StringValue.Parser.ParseFrom);
    private static readonly Method<StringValue, StringValue> GetMethod = new(MethodType.Unary, "shop.Orders", nameof(Base.Get), Text, Text);

    public static ServiceDescriptor Descriptor { get; } = Describe();

    public static void Bind(ServiceBinderBase binder, Base? service) =>
        binder.AddMethod(GetMethod, service is null ? null : new UnaryServerMethod<StringValue, StringValue>(service.Get));

    private static ServiceDescriptor Describe()
    {
        var options = new MethodOptions();
        options.SetExtension(AnnotationsExtensions.Http, new HttpRule { Get = "/v1/orders/{value}" });
        var file = new FileDescriptorProto
        {
            Name = "orders.proto",
            Package = "shop",
            Syntax = "proto3",
            Dependency = { WrappersReflection.Descriptor.Name, AnnotationsReflection.Descriptor.Name },
            Service =
            {
                new ServiceDescriptorProto
                {
                    Name = "Orders",
                    Method = { new MethodDescriptorProto { Name = nameof(Base.Get), InputType = ".google.protobuf.StringValue", OutputType = ".google.protobuf.StringValue", Options = options } },
                },
            },
        };
        return FileDescriptor.FromGeneratedCode(file.ToByteArray(), [WrappersReflection.Descriptor, AnnotationsReflection.Descriptor], new GeneratedClrTypeInfo(null, null, null)).Services[0];
    }

    [BindServiceMethod(typeof(GrpcOrders), nameof(Bind))]
    internal abstract class Base
    {
        public virtual Task<StringValue> Get(StringValue request, ServerCallContext context) => throw new RpcException(new Status(StatusCode.Unimplemented, ""));
    }

    internal sealed class Service : Base
    {
        public override Task<StringValue> Get(StringValue request, ServerCallContext context) => request.Value == "none"
            ? throw new RpcException(new Status(StatusCode.NotFound, "no such order"))
            : Task.FromResult(new StringValue { Value = $"order {request.Value}" });
    }
}
