import{l as e}from"./chunk-CFCGHBI7.js";var r=e(!1),s=e(!1),o=new Set;function p(t){for(let i of[...o])i(t)}function d(t){return o.add(t),()=>o.delete(t)}export{r as a,s as b,p as c,d};
