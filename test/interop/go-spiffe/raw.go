package main

import (
	"context"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	stable "google.golang.org/grpc/reflection/grpc_reflection_v1"
	alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func dial(socket string) *grpc.ClientConn {
	connection, err := grpc.NewClient(socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	return connection
}

// raw gives the status codes of calls that the library would not make.
func raw(ctx context.Context, socket string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection := dial(socket)
	defer connection.Close()
	client := workload.NewSpiffeWorkloadAPIClient(connection)
	fetch := func(pairs ...string) string {
		with := metadata.AppendToOutgoingContext(ctx, pairs...)
		stream, err := client.FetchX509SVID(with, &workload.X509SVIDRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return status.Code(err).String()
	}
	say(object{
		"with":    fetch("workload.spiffe.io", "true"),
		"without": fetch(),
		"wrong":   fetch("workload.spiffe.io", "True"),
		"twice":   fetch("workload.spiffe.io", "true", "workload.spiffe.io", "true"),
	})
}

// reflection asks as tools do, in both versions: which services, and then for all files of one.
func reflection(ctx context.Context, socket string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connection := dial(socket)
	defer connection.Close()
	say(object{"v1": stableServices(ctx, connection), "v1alpha": alphaServices(ctx, connection)})
}

func stableServices(ctx context.Context, connection *grpc.ClientConn) object {
	stream, err := stable.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err != nil {
		return object{"error": err.Error()}
	}
	ask := func(request *stable.ServerReflectionRequest) *stable.ServerReflectionResponse {
		if err := stream.Send(request); err != nil {
			panic(err)
		}
		answer, err := stream.Recv()
		if err != nil {
			panic(err)
		}
		return answer
	}
	listed := ask(&stable.ServerReflectionRequest{MessageRequest: &stable.ServerReflectionRequest_ListServices{}})
	methods := object{}
	for _, service := range listed.GetListServicesResponse().GetService() {
		answer := ask(&stable.ServerReflectionRequest{
			MessageRequest: &stable.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service.Name},
		})
		methods[service.Name] = methodsOf(service.Name, answer.GetFileDescriptorResponse().GetFileDescriptorProto())
	}
	return methods
}

func alphaServices(ctx context.Context, connection *grpc.ClientConn) object {
	stream, err := alpha.NewServerReflectionClient(connection).ServerReflectionInfo(ctx)
	if err != nil {
		return object{"error": err.Error()}
	}
	request := &alpha.ServerReflectionRequest{
		MessageRequest: &alpha.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "SpiffeWorkloadAPI"},
	}
	if err := stream.Send(request); err != nil {
		return object{"error": err.Error()}
	}
	answer, err := stream.Recv()
	if err != nil {
		return object{"error": err.Error()}
	}
	files := answer.GetFileDescriptorResponse().GetFileDescriptorProto()
	return object{"SpiffeWorkloadAPI": methodsOf("SpiffeWorkloadAPI", files)}
}

var seen = map[string]*descriptorpb.FileDescriptorProto{}

// methodsOf counts the methods of a service, from files that link without anything that was not sent.
func methodsOf(service string, files [][]byte) any {
	for _, bytes := range files {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(bytes, file); err != nil {
			return err.Error()
		}
		seen[file.GetName()] = file
	}
	set := &descriptorpb.FileDescriptorSet{}
	for _, file := range seen {
		set.File = append(set.File, file)
	}
	linked, err := protodesc.NewFiles(set)
	if err != nil {
		return err.Error()
	}
	found, err := linked.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return err.Error()
	}
	return found.(protoreflect.ServiceDescriptor).Methods().Len()
}
