// Asks the Service `orders` twice a second and prints which pod answers. In a pod it needs no settings;
// elsewhere, give it a kubeconfig: KUBECONFIG=~/.kube/config node examples/kubernetes/client.ts
import { createMesh } from 'inmesh';

const { KUBECONFIG: kubeconfig, NAMESPACE: namespace, TIMES: times = 'Infinity', API_SERVER: server } = process.env;

const mesh = createMesh({
  services: {
    // EndpointSlices first; the Service's own name where they may not be read.
    orders: { target: ['k8s://orders:http', 'dns://orders:80'] },
  },
  ...(kubeconfig === undefined ? {} : { kubernetes: { kubeconfig, ...(namespace && { namespace }) } }),
  ...(server === undefined ? {} : { kubernetes: { server, ...(namespace && { namespace }) } }),
});

for (let time = 0; time < Number(times); time++) {
  try {
    const response = await mesh.fetch('http://orders/');
    console.log(response.status, (await response.text()).trim());
  } catch (error) {
    console.error(error);
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
}

await mesh.close();
