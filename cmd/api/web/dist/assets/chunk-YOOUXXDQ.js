var t=e=>document.querySelector(`meta[name="${e}"]`)?.content??"",n=Number(t("max-upload-bytes"))||1/0,o=Number(t("max-upload-ms"))||1/0,a=t("version");export{n as a,o as b,a as c};
